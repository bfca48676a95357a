/**
 * The functions that MySQL and MariaDB both have themselves and that change nothing but the session. Their names without a database never mean a function that
 * somebody has made. https://mariadb.com/kb/en/built-in-functions/ https://dev.mysql.com/doc/refman/8.4/en/built-in-function-reference.html
 */
export const builtinFunctions: ReadonlySet<string> = new Set(
  `abs acos adddate addtime aes_decrypt aes_encrypt ascii asin atan atan2 avg benchmark bin bit_and bit_count bit_length bit_or bit_xor cast ceil ceiling
  char char_length character_length charset coalesce coercibility collation compress concat concat_ws connection_id conv convert convert_tz cos cot count crc32
  cume_dist curdate current_date current_role current_time current_timestamp current_user curtime database date date_add date_format date_sub datediff day
  dayname dayofmonth dayofweek dayofyear default degrees dense_rank elt exp export_set extract extractvalue field find_in_set first_value floor format
  found_rows from_base64 from_days from_unixtime get_format greatest group_concat hex hour if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr
  interval isnull json_array json_array_append json_array_insert json_contains json_contains_path json_depth json_extract json_insert json_keys json_length
  json_merge_patch json_merge_preserve json_object json_quote json_remove json_replace json_search json_set json_type json_unquote json_valid lag last_day
  last_insert_id lcase lead least left length ln localtime localtimestamp locate log log10 log2 lower lpad ltrim make_set makedate maketime max md5
  microsecond mid min minute mod month monthname name_const now nth_value ntile nullif oct octet_length ord percent_rank period_add period_diff pi position
  pow power quarter quote radians rand rank regexp_instr regexp_replace regexp_substr repeat replace reverse right round row_count row_number rpad rtrim schema
  sec_to_time second session_user sha sha1 sha2 sign sin sleep soundex space sqrt std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr
  substring substring_index subtime sum sysdate system_user tan time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_days
  to_seconds trim truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml upper user utc_date utc_time utc_timestamp uuid uuid_short
  values var_pop var_samp variance version week weekday weekofyear weight_string year yearweek`.split(/\s+/),
);

/** Functions of the server itself that do more than read. */
export const actingFunctions: ReadonlyMap<string, 'administer' | 'write'> = new Map([
  ['load_file', 'administer'],
  ['get_lock', 'administer'],
  ['release_lock', 'administer'],
  ['release_all_locks', 'administer'],
  ['nextval', 'write'],
  ['setval', 'write'],
  ['lastval', 'write'],
]);
