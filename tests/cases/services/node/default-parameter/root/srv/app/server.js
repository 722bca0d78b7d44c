const http = require('http');

const start = (port = 3000, { backlog = 200 } = {}) => http.createServer().listen(port, backlog);

start();
