const http = require('http');

const port = 9000;
const backlog = 900;

function start() {
  const port = 3000;
  http.createServer().listen(port, backlog);
}

start();
