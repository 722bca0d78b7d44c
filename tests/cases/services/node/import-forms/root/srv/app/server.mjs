import http from 'node:http';
import * as net from 'node:net';
import { createServer } from 'node:https';
import { createServer as plain, createSecureServer as secure } from 'node:http2';
import tls, { Server } from 'node:tls';

http.createServer().listen(3000, 200);
net.createServer().listen(3001, 201);
createServer().listen(3002, 202);
plain().listen(3003, 203);
secure().listen(3004, 204);
tls.createServer().listen(3005, 205);
new Server().listen(3006, 206);
