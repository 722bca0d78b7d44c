#!/bin/sh
set -e
if [ "$1" = "gunicorn" ]; then
  python manage.py migrate
fi
: ${BIND:=0.0.0.0:8000}
export BACKLOG=64
exec "$@" --backlog=$BACKLOG --bind "$BIND"
