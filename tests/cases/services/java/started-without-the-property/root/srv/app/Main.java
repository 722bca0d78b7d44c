import java.net.InetAddress;
import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerSocket socket = new ServerSocket(Integer.getInteger("port", 8000), 20, InetAddress.getByName("127.0.0.1"));
        socket.accept();
    }
}
