import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import java.net.InetSocketAddress;

public class Main {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.start();
        HttpServer other = HttpServer.create();
        other.bind(new InetSocketAddress("127.0.0.1", 8081), 60);
        other.start();
        HttpServer never = HttpServer.create(null, 0);
        HttpsServer secure = HttpsServer.create(new InetSocketAddress(8443), 61);
        Thread.currentThread().join();
    }
}
