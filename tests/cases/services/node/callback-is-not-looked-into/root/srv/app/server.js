const http = require('http');

http.createServer().listen(3000, function () {
  const { address, port } = this.address();
  console.log(address, port, { backlog: 900 });
});
