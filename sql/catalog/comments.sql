COMMENT ON FUNCTION training_progress() IS 'the rows of view progress: running trainings that the caller may see';
