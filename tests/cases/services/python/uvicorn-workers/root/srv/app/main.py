import uvicorn


async def app(scope, receive, send):
    pass


if __name__ == "__main__":
    uvicorn.run("main:app", host="::", port=8125, workers=2, backlog=302)
