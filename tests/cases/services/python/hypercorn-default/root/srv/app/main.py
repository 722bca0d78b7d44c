import asyncio

import hypercorn.asyncio
from hypercorn.config import Config


async def app(scope, receive, send):
    pass


asyncio.run(hypercorn.asyncio.serve(app, Config()))
