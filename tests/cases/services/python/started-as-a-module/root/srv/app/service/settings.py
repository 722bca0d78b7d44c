import os

BACKLOG = int(os.environ.get('BACKLOG', '5'))
