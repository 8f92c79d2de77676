"""What people say, and what a proposal is: the rules of conversation, without a model and without a network."""
