const http = require("http");
const WebSocket = require("ws");
const { WebSocketServer } = require("ws");

const server = http.createServer();
server.listen(8080, "127.0.0.1", 77);
new WebSocketServer({ server });

new WebSocketServer({ port: 8081 });
const local = new WebSocketServer({ port: 8082, host: "127.0.0.1", backlog: 33 });
local.on("connection", (socket) => socket.close());
const other = new WebSocket.Server({ host: "127.0.0.1", port: 8083 });
new WebSocketServer({ noServer: true });
