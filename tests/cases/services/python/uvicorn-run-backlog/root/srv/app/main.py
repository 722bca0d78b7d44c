import os

import uvicorn


async def app(scope, receive, send):
    pass


def main():
    uvicorn.run("main:app", host="0.0.0.0", port=int(os.environ.get("PORT", "8123")), backlog=4096, log_level="error")


if __name__ == "__main__":
    main()
