#!/usr/bin/env bash
cd web
PORT=${1:-8000}
case "$MODE" in
  dev|local)
    exec uvicorn app:app --reload
    ;;
  *) exec uvicorn app:app --port "$PORT" --backlog 100 ;;
esac
