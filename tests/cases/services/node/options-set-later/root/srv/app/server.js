const http = require('http');
const options = { host: '127.0.0.1', port: 3000, backlog: 5 };
options.backlog = 9;
http.createServer().listen(options);

const other = { host: '127.0.0.1' };
other.port = 3001;
other['backlog'] = 8;
http.createServer().listen(other);

const late = { host: '127.0.0.1', port: 3002 };
http.createServer().listen(late);
late.backlog = 7;
