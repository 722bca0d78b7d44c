import asyncio

import uvicorn


async def app(scope, receive, send):
    pass


async def main():
    config = uvicorn.Config(app, host="localhost", port=8124, backlog=300)
    server = uvicorn.Server(config)
    await server.serve()


asyncio.run(main())
