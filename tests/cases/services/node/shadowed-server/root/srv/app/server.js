const http = require('http');

const server = http.createServer();

function rehearse() {
  const server = { listen: (port) => port };
  return server.listen(9000, 900);
}
function preview(http) {
  return http.createServer().listen(9001, 901);
}

rehearse();
preview({ createServer: () => ({ listen: () => null }) });
server.listen(3000, 200);
