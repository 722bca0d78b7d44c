"""Start the case's unit with PyPI's daphne, in /opt/venv."""
from start_unit import of_pypi

install, truth = of_pypi("daphne==4.2.3")
