import pytest
from bitline.scripts.main import main


@pytest.fixture
def cli(capsys):
    """Runs the command in this process: its status, standard output and standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


@pytest.fixture
def refused(cli):
    """Runs the command and expects one line that matches, and status 2."""

    def run(*arguments, match):
        import re

        status, _, errors = cli(*arguments)
        assert status == 2
        assert len(errors.splitlines()) == 1 and re.search(match, errors), errors
        assert "Traceback" not in errors

    return run
