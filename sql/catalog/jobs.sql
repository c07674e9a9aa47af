-- What users do with jobs. The table itself is written by these functions, the worker and triggers only.

COMMENT ON FUNCTION request_retrain(json) IS
    'queues a retraining: {"model": …} with gate, timeout, max_memory, max_attempts, not_before, delay; or the payload of a notification, for the models of its table; returns the number of the (first) job';
COMMENT ON FUNCTION cancel_job(bigint) IS
    'cancels a job that waits or runs; false where it had ended already. A job whose code goes on regardless: the second call terminates its process';
COMMENT ON FUNCTION run_pending(integer) IS
    'runs up to max_jobs jobs that are due, in this session and transaction, and returns how many were begun: for servers without background workers';
COMMENT ON FUNCTION resume_jobs() IS
    'takes over jobs that came with a dump and wait since then; returns how many';
