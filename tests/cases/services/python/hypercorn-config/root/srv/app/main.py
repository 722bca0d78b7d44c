import asyncio

from hypercorn.asyncio import serve
from hypercorn.config import Config


async def app(scope, receive, send):
    pass


config = Config()
config.bind = ["localhost:8200", "[::]:8201", "unix:/run/hypercorn.sock"]
config.backlog = 256

asyncio.run(serve(app, config))
