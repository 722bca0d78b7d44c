from sanic import Sanic

app = Sanic("app")


@app.get("/")
async def index(request):
    return None


if __name__ == "__main__":
    app.run(backlog=345, single_process=True)
