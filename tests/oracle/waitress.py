"""Start the case's unit with PyPI's waitress, in /opt/venv."""
from start_unit import of_pypi

install, truth = of_pypi("waitress==3.0.2")
