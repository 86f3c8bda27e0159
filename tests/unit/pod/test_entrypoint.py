import pytest
import yaml

from modelstream.pod import entrypoint
from modelstream.pod.failure import PodError

ENVIRONMENT = {"POD_IP": "10.0.0.7", "MODELSTREAM_JOB_ID": "ab" * 16}


def written(pod):
    return yaml.safe_load((pod.paths.flink_conf / "config.yaml").read_text())


def test_the_operator_wins_over_what_flink_ships(pod):
    pod.shipped("parallelism:\n  default: 1\nrest:\n  address: localhost\n")
    entrypoint.write_configuration(pod.paths, {"parallelism.default": 4}, {}, ENVIRONMENT)

    assert written(pod)["parallelism.default"] == 4
    assert written(pod)["rest.address"] == "localhost"


def test_the_options_that_open_the_jdk_are_kept(pod):
    entrypoint.write_configuration(pod.paths, {"parallelism.default": 4}, {}, ENVIRONMENT)

    assert written(pod)["env.java.opts.all"].startswith("--add-opens")


def test_the_address_of_the_pod_wins_over_everything(pod):
    entrypoint.write_configuration(
        pod.paths,
        {"taskmanager.host": "elsewhere"},
        {"taskmanager.host": "10.0.0.7"},
        ENVIRONMENT,
    )

    assert written(pod)["taskmanager.host"] == "10.0.0.7"


def test_the_other_files_of_the_conf_directory_come_along(pod):
    (pod.paths.flink_home / "conf" / "log4j-console.properties").write_text("x")
    entrypoint.write_configuration(pod.paths, {}, {}, ENVIRONMENT)

    assert (pod.paths.flink_conf / "log4j-console.properties").exists()


def test_a_secret_option_is_read_from_its_mounted_file(pod):
    secret = pod.paths.secrets / "store" / "key"
    secret.parent.mkdir(parents=True)
    secret.write_text("s3cret\n")
    pod.manifest(flink={"secretConfiguration": {"s3.secret-key": {"name": "store", "key": "key"}}})
    entrypoint.write_configuration(pod.paths, {}, {}, ENVIRONMENT)

    assert written(pod)["s3.secret-key"] == "s3cret"
    assert (pod.paths.flink_conf / "config.yaml").stat().st_mode & 0o077 == 0


def test_a_secret_without_the_key_is_named(pod):
    pod.manifest(flink={"secretConfiguration": {"s3.secret-key": {"name": "store", "key": "key"}}})

    with pytest.raises(PodError, match=r"secretConfiguration\[s3.secret-key\].*store.*key"):
        entrypoint.write_configuration(pod.paths, {}, {}, ENVIRONMENT)


def test_s3_takes_the_service_account_s_role_after_keys_that_are_given(pod):
    environment = {**ENVIRONMENT, "AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t"}
    entrypoint.write_configuration(pod.paths, {"s3.access-key": "k"}, {}, environment)

    *keys, role = written(pod)["s3.aws.credentials.provider"].split(",")
    assert role.endswith("WebIdentityTokenCredentialsProvider")
    assert any(each.endswith("SimpleAWSCredentialsProvider") for each in keys)


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        pytest.param({}, {}, id="no role"),
        pytest.param(
            {"AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t"},
            {"fs.s3a.aws.credentials.provider": "mine"},
            id="a provider of the manifest's own",
        ),
    ],
)
def test_s3_is_left_as_it_is_with(pod, environment, options):
    entrypoint.write_configuration(pod.paths, options, {}, {**ENVIRONMENT, **environment})

    assert "s3.aws.credentials.provider" not in written(pod)


def test_the_job_is_submitted_under_the_id_that_the_operator_chose(pod):
    command = entrypoint.jobmanager_command(pod.paths, ENVIRONMENT)

    assert command[command.index("--job-id") + 1] == "ab" * 16
    assert "--fromSavepoint" not in command


def test_a_job_starts_from_the_savepoint_that_it_was_given(pod):
    command = entrypoint.jobmanager_command(pod.paths, ENVIRONMENT, "s3://state/savepoint-1")

    assert command[command.index("--fromSavepoint") + 1] == "s3://state/savepoint-1"
    assert "--allowNonRestoredState" not in command


def test_a_job_may_start_from_a_part_of_its_state_where_the_operator_says_so(pod):
    told = {**ENVIRONMENT, "MODELSTREAM_RESTORE_LESS": "true"}
    command = entrypoint.jobmanager_command(pod.paths, told, "s3://state/savepoint-1")

    assert command.index("--allowNonRestoredState") < command.index("-py")
    assert "--allowNonRestoredState" not in entrypoint.jobmanager_command(pod.paths, told)


def test_what_follows_the_script_is_for_the_job_alone(pod):
    command = entrypoint.jobmanager_command(pod.paths, ENVIRONMENT)

    assert command[command.index("-py") :] == ["-py", entrypoint.SUBMIT, str(pod.paths.manifest)]


def test_a_container_that_the_operator_did_not_make_is_told_what_is_missing(pod):
    with pytest.raises(PodError, match="MODELSTREAM_JOB_ID is not set"):
        entrypoint.jobmanager_command(pod.paths, {})


def test_a_configmap_without_flinks_options_is_told(pod):
    pod.paths.operator_options.unlink()

    with pytest.raises(PodError, match=r"flink\.yaml"):
        entrypoint.jobmanager(pod.paths, ENVIRONMENT)


def test_a_preload_that_is_killed_is_told_because_it_could_not_tell_itself():
    with pytest.raises(PodError, match="ended") as killed:
        entrypoint.preload_apart(["sh", "-c", "kill -9 $$"])

    assert killed.value.reason in {"OutOfMemory", "LoadingKilled"}


def test_a_preload_that_fails_by_itself_has_said_why():
    with pytest.raises(SystemExit) as ended:
        entrypoint.preload_apart(["sh", "-c", "exit 3"])

    assert ended.value.code == 3
