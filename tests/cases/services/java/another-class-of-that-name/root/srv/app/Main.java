import java.io.IOException;

public class Main {
    static class ServerSocket {
        ServerSocket(int port, int backlog) {}
    }

    static class HttpServer {
        static HttpServer create(Object address, int backlog) { return new HttpServer(); }
    }

    public static void main(String[] args) throws Exception {
        new ServerSocket(8080, 10);
        HttpServer.create(new java.net.InetSocketAddress(8081), 12);
        new java.net.ServerSocket(8082, 11);
        Thread.currentThread().join();
    }
}
