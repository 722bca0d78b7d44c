SECRET_KEY = "x"
DEBUG = True
ROOT_URLCONF = "urls"
