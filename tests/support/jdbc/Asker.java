import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.util.Properties;
import org.postgresql.util.PSQLException;

/**
 * Reads lines of USER, PASSWORD, FORMAT, SECONDS, SQL and at most one parameter, with tabs between, and runs each statement on a connection of its own. Prints each column of its rows as
 * `NAME:CLASS:VALUE`, where CLASS is what the driver made of the value, or `done ROWS`, or SQLSTATE, message and detail; and then whether the connection goes on. FORMAT is `text` or `binary`.
 * SECONDS is the time-out of the statement; 0: there is none.
 */
public class Asker {
  public static void main(String[] words) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      var asked = line.split("\t");
      var isBinary = asked[2].equals("binary");
      var login = new Properties();
      login.setProperty("user", asked[0]);
      login.setProperty("password", asked[1]);
      // Below zero, binary values are asked for from the first execution.
      login.setProperty("prepareThreshold", isBinary ? "-1" : "1");
      login.setProperty("binaryTransfer", String.valueOf(isBinary));
      try (var connection = DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + words[0] + "/shop", login)) {
        var statement = connection.prepareStatement(asked[4]);
        statement.setQueryTimeout(Integer.parseInt(asked[3]));
        if (asked.length > 5) {
          statement.setString(1, asked[5]);
        }
        String outcome;
        try {
          outcome = statement.execute() ? told(statement.getResultSet()) : "done " + statement.getUpdateCount();
        } catch (PSQLException error) {
          var told = error.getServerErrorMessage();
          outcome = error.getSQLState() + " " + told.getMessage() + " " + told.getDetail();
        }
        var next = connection.createStatement().executeQuery("select 1");
        next.next();
        System.out.println(outcome.replace('\n', ' ') + "\tthen " + next.getInt(1));
      }
    }
  }

  private static String told(ResultSet rows) throws Exception {
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
    return told.toString();
  }
}
