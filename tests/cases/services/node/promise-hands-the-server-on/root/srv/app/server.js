const http = require('http');

const build = async () => http.createServer();

build().then((server) => server.listen(3000, 200));
