from sanic import Sanic

app = Sanic("app")


@app.get("/")
async def index(request):
    return None


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8900, single_process=True)
