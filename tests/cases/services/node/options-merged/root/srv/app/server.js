const http = require('http');
const options = { host: '127.0.0.1', port: 3000 };
Object.assign(options, { backlog: 9 });
http.createServer().listen(options);
http.createServer().listen(Object.assign({}, options, { port: 3001, backlog: 8 }));
