const http = require('http');

const port = normalizePort(process.env.PORT || '3000');
const server = http.createServer();
server.listen(port);

function normalizePort(val) {
  const port = parseInt(val, 10);

  if (isNaN(port)) {
    // named pipe
    return val;
  }
  if (port >= 0) {
    // port number
    return port;
  }
  return false;
}
