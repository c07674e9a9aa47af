COMMENT ON FUNCTION compile(text, text) IS
    'makes a function of plain, immutable SQL arithmetic that computes the prediction of a regression, or the probability of the positive of two classes, without the model: usable in generated columns, CHECK constraints and indexes. Its source, with the coefficients and categories, can be read by every role of the database';
