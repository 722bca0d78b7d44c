const http = require('http');

http.createServer()
  .on('request', (req, res) => res.end('ok'))
  .once('error', console.error)
  .setTimeout(5000)
  .listen(3000, 200)
  .unref()
  .ref();
