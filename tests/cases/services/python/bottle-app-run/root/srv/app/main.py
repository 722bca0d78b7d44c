import bottle

app = bottle.Bottle()
app.run(host="0.0.0.0", quiet=True)
