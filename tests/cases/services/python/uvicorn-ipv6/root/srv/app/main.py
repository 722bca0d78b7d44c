import uvicorn


async def app(scope, receive, send):
    pass


uvicorn.run(app, host="::", port=8127)
