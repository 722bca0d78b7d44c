"""Start the case's unit with PyPI's hypercorn, in /opt/venv."""
from start_unit import of_pypi

install, truth = of_pypi("hypercorn==0.18.0")
