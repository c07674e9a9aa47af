-- Comments of the functions around train().

COMMENT ON FUNCTION train(text, text, text, text, text, text[], text[], jsonb, jsonb, jsonb, text, text, text, boolean, text, jsonb, bigint, jsonb) IS
    'trains a version of a named model on a relation or a SELECT: encodings, imputations and the hold-out are decided by itself; async => true queues it as a job';
COMMENT ON FUNCTION retrain(text, boolean, jsonb) IS
    'trains a version of a model as the one that serves was trained, on current data, with the rights of the model''s owner: as a job whose version serves if it is not worse, or here and now with async => false';
COMMENT ON FUNCTION feature_info(text) IS
    'the inputs of a model: types, encodings, what stands for missing values, categories';
COMMENT ON FUNCTION training_info(text) IS
    'how a model was trained: rows used and skipped, classes, split, hyper-parameters, metrics';
COMMENT ON FUNCTION weights(text) IS
    'the weights of a linear model, of the encoded features and in the units of the columns';
COMMENT ON FUNCTION algorithms() IS
    'the algorithms that train knows, with their hyper-parameters';
