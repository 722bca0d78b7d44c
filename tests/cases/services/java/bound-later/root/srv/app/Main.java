import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket();
        server.setReuseAddress(true);
        server.bind(new InetSocketAddress(8080));
        ServerSocket other = new ServerSocket();
        other.bind(new InetSocketAddress("127.0.0.1", 8081), 77);
        ServerSocket any = new ServerSocket();
        any.bind(new InetSocketAddress((InetAddress) null, 8082), 78);
        Thread.currentThread().join();
    }
}
