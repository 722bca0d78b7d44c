import java.net.InetAddress;
import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        int port = Integer.getInteger("port", 8000);
        ServerSocket socket = new ServerSocket(port, 20, InetAddress.getByName("127.0.0.1"));
        socket.accept();
    }
}
