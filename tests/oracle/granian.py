"""Start the case's unit with PyPI's granian, in /opt/venv."""
from start_unit import of_pypi

install, truth = of_pypi("granian==2.8.7", older=["granian==2.7.9"])
