const http = require('http');

function start(server, port, backlog) {
  return server.listen(port, backlog);
}

start(http.createServer(), 3000, 200);
