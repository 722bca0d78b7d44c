import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        System.setProperty("java.net.preferIPv4Stack", "true");
        ServerSocket server = new ServerSocket(8080, 26);
        Thread.currentThread().join();
    }
}
