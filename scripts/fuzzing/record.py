"""What was fuzzed, as a file."""

import json

from ..common.files import BadInput, write_json


def read_record(path):
    """What a file of ``--output`` has, by (operator, package of the runtime); nothing if there is no file."""
    try:
        record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"operators": []}
        return {(one["operator"], one["runtime"].split()[0]): one for one in record["operators"]}
    except (ValueError, TypeError, KeyError):
        raise BadInput(f"record must be one that bitline fuzz --output wrote, and {path} is not") from None


def write_record(path, record):
    """Write such a file, in the order of the operators."""
    write_json(path, {"operators": [record[key] for key in sorted(record)]})
