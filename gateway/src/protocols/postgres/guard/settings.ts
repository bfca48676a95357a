/**
 * Settings of a session that change neither rights nor what statements mean: presentation, time-outs, memory and plans. Setting any other is an act of
 * administration. `search_path` and `standard_conforming_strings` change what statements mean and are followed.
 */
const plainSettings: ReadonlySet<string> = new Set(
  `application_name backend_flush_after bytea_output client_encoding client_min_messages commit_delay constraint_exclusion cpu_index_tuple_cost
  cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction datestyle deadlock_timeout default_statistics_target default_transaction_deferrable
  default_transaction_isolation effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan enable_gathermerge enable_hashagg
  enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop
  enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join enable_seqscan enable_sort
  enable_tidscan escape_string_warning exit_on_error extra_float_digits from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size geqo_seed
  geqo_selection_bias geqo_threshold gin_fuzzy_search_limit hash_mem_multiplier idle_in_transaction_session_timeout idle_session_timeout intervalstyle jit
  join_collapse_limit lc_messages lc_monetary lc_numeric lc_time lock_timeout logical_decoding_work_mem maintenance_work_mem max_parallel_workers_per_gather
  min_parallel_index_scan_size min_parallel_table_scan_size parallel_leader_participation parallel_setup_cost parallel_tuple_cost plan_cache_mode
  quote_all_identifiers random_page_cost recursive_worktable_factor search_path seed seq_page_cost standard_conforming_strings statement_timeout
  synchronize_seqscans tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval tcp_user_timeout temp_buffers timezone
  timezone_abbreviations transaction_deferrable transaction_isolation transaction_timeout work_mem xmlbinary xmloption`.split(/\s+/),
);

export function isPlainSetting(name: string): boolean {
  return plainSettings.has(name);
}
