from modelstream.pod import configuration


def test_nested_options_are_known_by_their_full_names():
    assert configuration.flattened({"rest": {"port": 8081}, "a.b": 1}) == {
        "rest.port": 8081,
        "a.b": 1,
    }


def test_a_later_layer_wins_and_what_it_does_not_name_stays():
    options = configuration.merged(
        {"env": {"java": {"opts": {"all": "--add-opens=x"}}}, "rest": {"port": 1}},
        {"rest.port": 2},
        {"rest": {"port": 3}},
    )

    assert options == {"env.java.opts.all": "--add-opens=x", "rest.port": 3}


def test_an_option_without_a_value_is_left_out():
    assert configuration.flattened({"a": None}) == {}


def test_a_jobmanager_alone_keeps_the_name_of_its_service():
    options = configuration.jobmanager_address("10.0.0.7", high_availability=False)

    assert "jobmanager.rpc.address" not in options
    assert options["rest.bind-address"] == "0.0.0.0"


def test_a_highly_available_jobmanager_is_found_by_its_own_address():
    options = configuration.jobmanager_address("10.0.0.7", high_availability=True)

    assert options["jobmanager.rpc.address"] == "10.0.0.7"


def test_a_pod_with_an_ipv6_address_listens_on_ipv6():
    assert configuration.taskmanager_address("fd00::7")["taskmanager.bind-host"] == "::"


def test_high_availability_is_on_when_a_type_is_given():
    assert configuration.has_high_availability({"high-availability.type": "kubernetes"})
    assert not configuration.has_high_availability({"high-availability.type": "NONE"})
    assert not configuration.has_high_availability({})
