import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.DriverManager;
import java.util.Properties;

/**
 * Reads lines `USER PASSWORD FORMAT`, reads the table `typed.each` with each login, and prints its row: each column as `NAME:CLASS:VALUE`, where CLASS is what the driver made of the value.
 * FORMAT is `text` or `binary`.
 */
public class Reader {
  public static void main(String[] words) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      var asked = line.split(" ");
      var login = new Properties();
      login.setProperty("user", asked[0]);
      login.setProperty("password", asked[1]);
      // Below zero, binary values are asked for from the first execution.
      login.setProperty("prepareThreshold", asked[2].equals("binary") ? "-1" : "0");
      login.setProperty("binaryTransfer", String.valueOf(asked[2].equals("binary")));
      try (var connection = DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + words[0] + "/shop", login)) {
        var rows = connection.prepareStatement("select * from typed.each").executeQuery();
        var told = new StringBuilder();
        while (rows.next()) {
          for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
            var value = rows.getObject(i);
            if (value instanceof java.sql.Array list) {
              value = java.util.Arrays.toString((Object[]) list.getArray());
            } else if (value instanceof byte[] bytes) {
              value = new String(bytes, "UTF-8");
            }
            told.append(rows.getMetaData().getColumnName(i)).append(':').append(value == null ? "" : value.getClass().getSimpleName()).append(':').append(value).append('\t');
          }
        }
        System.out.println(told);
      }
    }
  }
}
