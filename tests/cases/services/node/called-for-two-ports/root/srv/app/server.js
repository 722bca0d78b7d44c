const http = require('http');

function start(port, backlog) {
  const server = http.createServer();
  server.listen(port, backlog);
  return server;
}

start(3000, 200);
start(3001, 201);
[3002, 3003].forEach((port) => start(port, 202));
