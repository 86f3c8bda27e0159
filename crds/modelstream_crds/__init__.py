"""The ModelStream resource: its models, its rules and the CustomResourceDefinition made of them."""
