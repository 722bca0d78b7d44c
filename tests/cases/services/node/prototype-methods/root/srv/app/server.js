const http = require('http');

function App() {
  this.server = http.createServer();
}

App.prototype.start = function (port) {
  this.server.listen(port, 200);
};

new App().start(3000);
