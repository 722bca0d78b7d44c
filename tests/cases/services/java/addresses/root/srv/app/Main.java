import java.net.*;

public class Main {
    public static void main(String[] args) throws Exception {
        new ServerSocket(8001, 7, InetAddress.getByName("0.0.0.0"));
        new ServerSocket(8002, 7, InetAddress.getByName("::"));
        new ServerSocket(8003, 7, InetAddress.getByName("127.0.0.1"));
        new ServerSocket(8004, 7, InetAddress.getByName("::1"));
        new ServerSocket(8005, 7, InetAddress.getLoopbackAddress());
        new ServerSocket(8006, 7, InetAddress.getByName("localhost"));
        new ServerSocket(8007, 7, InetAddress.getByName(null));
        new ServerSocket(8008, 7, Inet4Address.getByName("127.1"));
        Thread.currentThread().join();
    }
}
