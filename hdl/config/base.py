"""Base of configurations: meaning and allowed values of parameters, conversion to and from JSON, and a hash."""

import dataclasses
import hashlib
import json
import textwrap
from pathlib import Path


def parameter(meaning, *, default=dataclasses.MISSING, minimum=1, maximum=None, choices=None, former=None,
              is_named=True, is_list=False):
    """A parameter of a configuration: an integer within bounds, or one of some choices.

    Help of commands, tables of documents and docstrings are made of these. ``maximum`` may name another parameter;
    without it and ``choices`` the class checks the value itself, and so it does if ``is_list``: a text of several.
    ``former`` is a name that JSON and options of the release before used, and that is still accepted in this one.
    Without ``is_named`` the default does not count for the hash, so that configurations from before there was such a
    parameter keep their names.
    """
    return dataclasses.field(default=default, metadata={
        "meaning": meaning, "minimum": minimum, "maximum": maximum, "choices": choices, "former": former,
        "is_named": is_named, "is_list": is_list})


def configuration(cls):
    """A frozen dataclass of parameters; ``{parameters}`` in its docstring is replaced by their descriptions."""
    cls = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    texts = [f"{field.name} : {allowed(field)}\n" + textwrap.fill(field.metadata["meaning"], 110, initial_indent="    ",
                                                                  subsequent_indent="    ")
             for field in dataclasses.fields(cls)]
    cls.__doc__ = cls.__doc__.replace("{parameters}", textwrap.indent("\n".join(texts), "    ").lstrip())
    return cls


def allowed(field):
    """Allowed values of a parameter (a field of a `configuration`), as a short text."""
    rules = field.metadata
    if rules["choices"]:
        return "|".join(map(str, rules["choices"]))
    return f"{rules['minimum']}..{rules['maximum']}" if rules["maximum"] else field.type.__name__


class Parameters:
    """Base of configurations."""

    def check_parts(self):
        """TypeError, in one line, unless parameters that are configurations themselves are what they must be."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if issubclass(field.type, Parameters) and not isinstance(value, field.type):
                raise TypeError(f"{field.name} must be of type {field.type.__name__}, not {value!r}")

    def check_parameters(self):
        """TypeError or ValueError, in one line, unless all parameters are valid."""
        for field in dataclasses.fields(self):
            if field.metadata["choices"] and not field.metadata["is_list"]:
                self.check_choice(field.name, field.metadata["choices"])
            elif maximum := field.metadata["maximum"]:
                self.check_range(field.name, field.metadata["minimum"],
                                 getattr(self, maximum) if isinstance(maximum, str) else maximum)

    def check_range(self, name, minimum, maximum):
        """TypeError or ValueError, in one line, unless a parameter is an integer within bounds."""
        value = getattr(self, name)
        rule = f"{name} must be an integer from {minimum} to {maximum}, not {value!r}"
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(rule)
        if not minimum <= value <= maximum:
            raise ValueError(rule)

    def check_choice(self, name, choices):
        """ValueError, in one line, unless a parameter is one of ``choices``, of their type too."""
        value = getattr(self, name)
        if type(value) is not type(choices[0]) or value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, not {value!r}")

    @property
    def hash(self):
        """Eight hexadecimal digits that identify the configuration."""
        text = json.dumps(self._named_parameters(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def _named_parameters(self):
        """The parameters that count for the hash, by name; those of a configuration within this one too."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)
                  if field.metadata["is_named"] or getattr(self, field.name) != field.default}
        return {name: value._named_parameters() if isinstance(value, Parameters) else value
                for name, value in values.items()}

    def to_dict(self):
        """The parameters by name."""
        return dataclasses.asdict(self)

    def flat(self):
        """The parameters by name, with those of a configuration within this one in its place, first."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        inner = {name: value for name, value in values.items() if isinstance(value, Parameters)}
        parts = {name: each for part in inner.values() for name, each in part.flat().items()}
        return parts | {name: value for name, value in values.items() if name not in inner}

    def to_json(self):
        """The parameters as a JSON object."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_dict(cls, parameters):
        """The configuration with these parameters; ValueError for one that is unknown or missing.

        Parameters that are configurations themselves are dictionaries.
        """
        if not isinstance(parameters, dict):
            raise ValueError(f"a configuration must be a JSON object, not {parameters!r}")
        fields = {field.name: field for field in dataclasses.fields(cls)}
        former = {field.metadata["former"]: name for name, field in fields.items()}
        for name in former.keys() & parameters.keys():
            if former[name] in parameters:
                raise ValueError(f"a configuration must give {former[name]} or {name}, its former name, not both")
        parameters = {former.get(name, name): value for name, value in parameters.items()}
        for name in parameters:
            if name not in fields:
                raise ValueError(f"a configuration's parameters must be among {', '.join(fields)}, not {name!r}")
        for name, field in fields.items():
            if field.default is dataclasses.MISSING and name not in parameters:
                raise ValueError(f"a configuration must give {name}, not only {', '.join(parameters) or 'nothing'}")
        return cls(**{name: fields[name].type.from_dict(value) if issubclass(fields[name].type, Parameters) else value
                      for name, value in parameters.items()})

    @classmethod
    def from_json(cls, text):
        """The configuration that a JSON object describes."""
        return cls.from_dict(cls._parse(text))

    @classmethod
    def load(cls, path):
        """The configuration in a JSON file."""
        return cls.from_dict(cls.read(path))

    @classmethod
    def read(cls, path):
        """The parsed JSON of a file."""
        try:
            return cls._parse(Path(path).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise ValueError(f"a configuration must be UTF-8 text, and {path} is not") from None

    @staticmethod
    def _parse(text):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"a configuration must be JSON, and this is not: {error}") from None
