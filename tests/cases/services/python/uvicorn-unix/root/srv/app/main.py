import uvicorn


async def app(scope, receive, send):
    pass


uvicorn.run(app, uds="/run/uvicorn.sock", backlog=301)
